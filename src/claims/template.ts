/** The parameters that a rule's path took from the request, percent-decoded. */
export type Params = Readonly<Record<string, string>>;

/** A text with `{name}` for the path's parameters, split once when the config is loaded. */
export interface Template {
  /** The names of the parameters that it needs; empty for a plain text. */
  readonly parameters: readonly string[];
  /** The text with the parameters put in; undefined where one of them is not there. */
  fill(params: Params): string | undefined;
}

/** Compiles a text; braces that hold no parameter's name are themselves. */
export function compileTemplate(text: string): Template {
  // Splitting at a group gives literals at even and names at odd positions.
  const parts = text.split(/\{([A-Za-z_][A-Za-z0-9_]*)\}/);
  const parameters = parts.filter((_, index) => index % 2 === 1);
  if (parameters.length === 0) return { parameters, fill: () => text };
  return {
    parameters,
    fill(params) {
      let filled = '';
      for (const [index, part] of parts.entries()) {
        const piece = index % 2 === 0 ? part : own(params, part);
        if (piece === undefined) return undefined;
        filled += piece;
      }
      return filled;
    },
  };
}

function own(params: Params, name: string): string | undefined {
  return Object.hasOwn(params, name) ? params[name] : undefined;
}
