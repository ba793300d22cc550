/** Freezes plain data, so that a policy that was checked cannot change afterwards. */

/** Freezes `value` and all it holds, and returns it. Plain acyclic data only; what is frozen already is not entered. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  // Without a list of the members: policies have many of these objects.
  for (const name in value) {
    const member = value[name]
    if (typeof member === 'object' && member !== null) deepFreeze(member)
  }
  return Object.freeze(value)
}
