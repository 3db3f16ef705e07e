// The button of the menu of versions shows a version, so its accessible name has to contain it (WCAG 2.5.3).
new MutationObserver((_, observer) => {
  const button = document.querySelector(".md-version__current");
  if (!button) return;
  button.setAttribute("aria-label", `Version ${button.textContent}`);
  observer.disconnect();
}).observe(document.documentElement, { childList: true, subtree: true });
