// Fenced blocks of a document with what their info string says: "sh run", "sh start", "yaml path/to/file.yaml".

export interface Block {
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  readonly line: number
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\S+)(?: (.*))?$/.exec(lines[i] as string)
    if (!fence) continue
    const start = i + 1
    while (++i < lines.length && lines[i] !== '```');
    blocks.push({
      language: fence[1] as string,
      words: (fence[2] ?? '').split(' ').filter(Boolean),
      text: `${lines.slice(start, i).join('\n')}\n`,
      line: start,
    })
  }
  return blocks
}
