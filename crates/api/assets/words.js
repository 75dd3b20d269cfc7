// Messages in the language of the page. The server writes them into the page; `Language::patterns` describes their form.

/** The messages of a language. */
class Words {
  constructor(messages, f) {
    this.messages = messages;
    this.f = f;
    this.plurals = new Intl.PluralRules(messages["language-locale"]);
  }
  message(id, values) {
    const pattern = this.messages[id];
    return pattern === undefined ? undefined : this.write(pattern, values);
  }
  write(pattern, values) {
    if (typeof pattern === "string") return pattern;
    return pattern.map((part) => this.part(part, values)).join("");
  }
  part(part, values) {
    if (typeof part === "string") return part;
    if (part.forms) return this.write(this.form(part, values[part.by]), values);
    const value = values[part.value];
    return typeof value === "number" ? this.f.number(value) : value;
  }
  form({ forms, rest }, value) {
    const plural = typeof value === "number" ? this.plurals.select(value) : rest;
    return forms[value] ?? forms[plural] ?? forms[rest];
  }
}

/**
 * Returns the function that gives a message by its id and arguments, or undefined if there is none. Numbers are grouped
 * and choose the plural form; years are given as text.
 */
export function words(messages, f) {
  const all = new Words(messages, f);
  return (id, values = {}) => all.message(id, values);
}
