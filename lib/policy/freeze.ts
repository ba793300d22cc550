/** Freezes plain data, so that a policy that was checked cannot change afterwards. */

/** Freezes `value` and all it holds, and returns it. Plain acyclic data only; what is frozen already is not entered. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
