// Creates elements without markup in strings, so that no text from data is ever read as HTML.

/** Creates an element from its properties and its children (nodes, text, lists of them, or nothing). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    // Set through the object model, since the content security policy allows no style in markup.
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

let lastId = 0;
/** Returns an id that is unique on the page. */
export const newId = (prefix) => `${prefix}-${++lastId}`;
