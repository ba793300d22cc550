/**
 * What typedoc's Markdown lacks for these guides: code in a heading is part of its name in the table of contents, and of its place in
 * the page, as on the forges; and a long code in a table may be broken behind an underscore, so that the table fits.
 */
export function extendMarkdown(parser) {
  parser.core.ruler.push('castellan', ({ tokens, Token }) => {
    for (const [index, { type }] of tokens.entries()) {
      const codes = tokens[index + 1]?.children?.filter(child => child.type === 'code_inline') ?? []
      // typedoc takes the text of a token from its children; what is shown comes from its content.
      if (type === 'heading_open') for (const code of codes) code.children = [textOf(Token, code.content)]
      if (type === 'td_open') for (const code of codes) code.meta = { inTable: true }
    }
  })
  const { code_inline: show } = parser.renderer.rules
  parser.renderer.rules.code_inline = (tokens, index, ...rest) => {
    const shown = show.call(parser.renderer.rules, tokens, index, ...rest)
    return tokens[index].meta?.inTable ? shown.replaceAll('_', '_<wbr>') : shown
  }
}

function textOf(Token, content) {
  return Object.assign(new Token('text', '', 0), { content })
}
