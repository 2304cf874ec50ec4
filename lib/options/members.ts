interface Node {
  shape?: Record<PropertyKey, unknown>
  unwrap?: () => unknown
  options?: readonly unknown[]
}

/** The members of an object schema, which may be optional, part of a union, or the items of a list. */
function shapeOf(node: unknown): Node['shape'] {
  const { shape, unwrap, options } = Object(node) as Node
  if (unwrap) return shapeOf(unwrap.call(node))
  return shape ?? options?.map(shapeOf).find(Boolean)
}

/** The names that a schema allows at a path. */
export function membersAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  const names = path.filter((step) => typeof step !== 'number')
  return Object.keys(names.reduce((holder, name) => shapeOf(holder?.[name]), shapeOf(schema)) ?? {})
}
