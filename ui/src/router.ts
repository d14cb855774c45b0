import { createRouter, createWebHistory } from "vue-router";
import Now from "./views/Now.vue";

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: "/", name: "now", component: Now },
    { path: "/welcome", name: "welcome", component: () => import("./views/Welcome.vue") },
    { path: "/projects", name: "projects", component: () => import("./views/Projects.vue") },
    { path: "/projects/:id", name: "project", component: () => import("./views/Project.vue"), props: true },
    { path: "/characters", name: "characters", component: () => import("./views/Characters.vue") },
    { path: "/characters/:id", name: "character", component: () => import("./views/Character.vue"), props: true },
    { path: "/characters/:id/dataset", name: "dataset", component: () => import("./views/Dataset.vue"), props: true },
    {
      path: "/characters/:id/training",
      name: "character-training",
      component: () => import("./views/Training.vue"),
      props: true,
    },
    { path: "/training", name: "training", component: () => import("./views/Trainings.vue") },
    { path: "/places/:id", name: "place", component: () => import("./views/Location.vue"), props: true },
    { path: "/review", name: "review", component: () => import("./views/Review.vue") },
    { path: "/scenes", name: "scenes", component: () => import("./views/Scenes.vue") },
    { path: "/scenes/:id", name: "board", component: () => import("./views/Scenes.vue"), props: true },
    { path: "/episodes", name: "episodes", component: () => import("./views/Episodes.vue") },
    { path: "/episodes/:id", name: "episode", component: () => import("./views/Episode.vue"), props: true },
    { path: "/episodes/:id/write", name: "write", component: () => import("./views/Write.vue"), props: true },
    { path: "/write", name: "new", component: () => import("./views/Write.vue") },
    { path: "/decisions", name: "decisions", component: () => import("./views/Decisions.vue") },
    { path: "/analytics", name: "analytics", component: () => import("./views/Analytics.vue") },
    { path: "/settings", name: "settings", component: () => import("./views/Settings.vue") },
    { path: "/login", name: "login", component: () => import("./views/Login.vue") },
    { path: "/:rest(.*)*", name: "not-found", component: () => import("./views/NotFound.vue") },
  ],
});
