// Before the first paint, so that a light page never flashes dark. A file of its own: nothing in the page may run.
(function () {
  var said = null;
  try {
    said = localStorage.getItem("theme");
  } catch {
    // A browser that keeps nothing goes by the system.
  }
  var dark = said ? said === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
