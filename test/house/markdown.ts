/**
 * The parts of markdown that the house tests look at: fenced blocks, links, the anchors of headings, table rows. Pure;
 * lines are counted from 1. No full parser: what the project's own documents use, and what is not understood is not seen.
 */

export interface FencedBlock {
  /** The line of the opening fence. */
  readonly line: number;
  /** The words behind the fence: `['ts', 'no-run']`. */
  readonly info: readonly string[];
  /** Without the indentation of the fence. */
  readonly code: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

export interface TableRow {
  readonly cells: readonly string[];
  readonly line: number;
}

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([^`]*)$/;

export function fencedBlocks(text: string): FencedBlock[] {
  return split(text).blocks;
}

/** The fenced blocks, and the text with their lines emptied. */
function split(text: string): { blocks: FencedBlock[]; prose: string[] } {
  const blocks: FencedBlock[] = [];
  const prose: string[] = [];
  let open: { line: number; indent: number; fence: string; info: string[]; code: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== '') {
        const words = info.split(/\s+/).filter((word) => word !== '');
        open = { line: index + 1, indent: indent.length, fence, info: words, code: [] };
      }
      prose.push(fence === '' ? line : '');
      continue;
    }
    prose.push('');
    const isClosing = fence.startsWith(open.fence) && info.trim() === '';
    if (!isClosing) open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    else {
      blocks.push({ line: open.line, info: open.info, code: `${open.code.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block that begins in line ${open.line} is not closed`);
  return { blocks, prose };
}

/** Links, pictures, reference definitions and the two HTML forms, outside of code. */
export function links(text: string): Link[] {
  return split(text).prose.flatMap((line, index) => {
    const withoutCode = line.replace(/(`+)(?!`).*?\1/g, '``');
    const found = [
      ...withoutCode.matchAll(/\]\(\s*<?([^\s)>]+)>?(?:\s+["'][^)]*)?\)/g),
      ...withoutCode.matchAll(/^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)/g),
      ...withoutCode.matchAll(/<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*["']([^"']+)["']/g),
    ];
    return found.map(([, target = '']) => ({ target, line: index + 1 }));
  });
}

/** The anchors that GitHub gives to headings, and those written as HTML. */
export function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const seen = new Map<string, number>();
  for (const line of split(text).prose) {
    for (const [, id = ''] of line.matchAll(/<[a-z]+\b[^>]*?\b(?:id|name)\s*=\s*["']([^"']+)["']/g)) found.add(id);
    const heading = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}

function slugOf(heading: string): string {
  const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]*>/g, '');
  return words
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replace(/ /g, '-');
}

/** The rows of all tables, headings among them, the dashed lines left out. */
export function tableRows(text: string): TableRow[] {
  return split(text).prose.flatMap((line, index) => {
    const row = line.trim();
    if (!row.startsWith('|') || /^[|\s:-]+$/.test(row)) return [];
    const inner = row.slice(1).replace(/(?<!\\)\|$/, '');
    const cells = inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
    return [{ cells, line: index + 1 }];
  });
}
