/** A program for a system that has none of what a sandbox takes: Node-API answers, and nothing is run without a sandbox. */
export const refusal = `
import { createSandbox, doctor, policies } from 'castellan'
const report = await doctor()
const error = await createSandbox({ policy: policies.workspaceWrite() }).then(() => undefined, error => error)
const usable = report.engines.filter(engine => engine.usable).map(({ engine }) => engine)
console.log(JSON.stringify({ arch: process.arch, usable, code: error?.code }))
`
