import { ref } from "vue";

const dark = ref(typeof document === "undefined" || document.documentElement.dataset.theme !== "light");

/** Dark or light; what a person chose stays. */
export function useTheme() {
  function flip() {
    dark.value = !dark.value;
    const now = dark.value ? "dark" : "light";
    document.documentElement.dataset.theme = now;
    try {
      localStorage.setItem("theme", now);
    } catch {
      // A browser that keeps nothing goes by the system next time.
    }
  }
  return { dark, flip };
}
