/**
 * A segment of a canonical path, decoded and without case, for comparison alone. Through upper to lower case, so
 * that letters are one which any usual way of ignoring case takes for one, as the upstream may: a rule that
 * protects must not be passed by with a letter that the upstream reads as another.
 */
export function fold(segment: string): string {
  return segment.includes('%')
    ? decodeURIComponent(segment).toUpperCase().toLowerCase()
    : segment.toLowerCase();
}
