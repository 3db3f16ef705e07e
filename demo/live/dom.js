// From values to elements. Only textContent is ever set, so nothing that was captured becomes markup.

/** A new element; text among its children stays text, and what is empty is left out. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== "" && child !== undefined && child !== null));
  return made;
}

/** A link to a page elsewhere. */
export function link(text, href) {
  return Object.assign(element("a", "source", text), { href, target: "_blank", rel: "noopener noreferrer" });
}

/** A part that can be folded. */
export function fold(title, open, ...children) {
  const made = element("details", "fold", element("summary", "", title), ...children);
  made.open = open;
  return made;
}
