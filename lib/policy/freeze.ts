/** Freezes plain data, so that a policy that was checked cannot change afterwards. */

/** Freezes `value` and all it holds, and returns it. Plain acyclic data only; what is frozen already is not entered. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  // Without a list of the members: policies have many of these objects, and long lists, whose numbers would become words.
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === 'object') deepFreeze(member)
  } else {
    for (const name in value) {
      const member = value[name]
      if (typeof member === 'object') deepFreeze(member)
    }
  }
  return Object.freeze(value)
}
