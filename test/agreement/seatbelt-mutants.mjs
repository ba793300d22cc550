/**
 * Wrong profiles, one change each: a kind of rule is left out, turned round, or put behind the rule that follows it. The
 * change is made to every profile alike, as a mistake in the generator would. A test that no mutant fails asserts nothing.
 */

/** What a rule is like, without the numbers of its parameters. */
function shapeOf(form, library) {
  return library.renderExpression(form).replaceAll(/_[0-9]+"/g, '_#"')
}

function actionOf(form) {
  const [head] = form.items
  return head?.name === 'allow' || head?.name === 'deny' ? head.name : null
}

function operationsOf(form) {
  return form.items.slice(1).flatMap(item => (item.kind === 'symbol' ? [item.name] : []))
}

function turned(form) {
  const [head, ...rest] = form.items
  return { ...form, items: [{ ...head, name: head.name === 'allow' ? 'deny' : 'allow' }, ...rest] }
}

/** Only where the order can matter: one allows and the other denies some same operation. */
function isOrdered(first, second) {
  if (actionOf(first) === actionOf(second)) return false
  const operations = new Set(operationsOf(first))
  return operationsOf(second).some(operation => operations.has(operation))
}

/** `{ name, alter }` for every change to some of the profiles. */
export function mutantsOf(profiles, library) {
  const mutants = new Map()
  const add = (name, change) => {
    if (!mutants.has(name)) mutants.set(name, { name, alter: profile => ({ ...profile, text: change(profile.text) }) })
  }
  const rendered = forms => forms.map(library.renderExpression).join('\n')
  // A profile that the change does not touch stays as it is, to be told apart from one that it does.
  const edit = change => text => {
    const forms = library.parseSbpl(text)
    const before = rendered(forms)
    const after = rendered(change(forms))
    return after === before ? text : after
  }
  for (const { text } of profiles) {
    const forms = library.parseSbpl(text)
    for (const [index, form] of forms.entries()) {
      if (actionOf(form) === null) continue
      const shape = shapeOf(form, library)
      const is = other => shapeOf(other, library) === shape
      add(
        `without ${shape}`,
        edit(all => all.filter(other => !is(other))),
      )
      add(
        `turned ${shape}`,
        edit(all => all.map(other => (is(other) ? turned(other) : other))),
      )
      const next = forms[index + 1]
      if (next === undefined || actionOf(next) === null || !isOrdered(form, next)) continue
      const following = shapeOf(next, library)
      add(
        `${following} before ${shape}`,
        edit(all => swapped(all, is, other => shapeOf(other, library) === following)),
      )
    }
  }
  return [...mutants.values()]
}

function swapped(forms, isFirst, isSecond) {
  const all = [...forms]
  for (let at = 0; at + 1 < all.length; at++) {
    if (!isFirst(all[at]) || !isSecond(all[at + 1])) continue
    ;[all[at], all[at + 1]] = [all[at + 1], all[at]]
    at++
  }
  return all
}
