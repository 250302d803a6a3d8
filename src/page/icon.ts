/** A key's bow and bit, in the color of links. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1557b8"/>' +
  '<path d="M12 9a5 5 0 1 1 0 10a5 5 0 0 1 0-10zM16.5 14H26v5M21.5 14v3.5" fill="none" stroke="#fff" stroke-width="2.5"/></svg>\n';
