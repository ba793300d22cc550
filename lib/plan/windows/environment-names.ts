/** Names of environment variables compare without case on Windows; each keeps the spelling that it came with. */

export type Variables = Readonly<Record<string, string | undefined>>

/** What two spellings of one name share. The system sorts by the same form. */
export function variableKey(name: string): string {
  return name.toUpperCase()
}

/** The name under which the variable is there; null when it is not. */
export function nameIn(variables: Variables, name: string): string | null {
  const key = variableKey(name)
  return Object.keys(variables).find(given => variableKey(given) === key && variables[given] !== undefined) ?? null
}

export function getVariable(variables: Variables, name: string): string | undefined {
  const given = nameIn(variables, name)
  return given === null ? undefined : variables[given]
}
