// Moves a node that the server rendered into the place where the component wants it: the card is painted before any
// script runs and is never rendered twice.
const nodes = new Map<string, Element>()

/** Takes the server's nodes out of `root`, by id, before the app replaces its content. */
export function keep(root: Element): void {
  for (const node of root.querySelectorAll('[data-keep]')) nodes.set(node.id, node)
}

export function adopt(place: Element, id: string): void {
  const node = nodes.get(id)
  if (node) place.replaceChildren(node)
}

export function kept(id: string): boolean {
  return nodes.has(id)
}
