// Colour and bars, or the plain text that stands for them where no terminal is.

export type Color = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

export interface TextStyle {
  paint(color: Color, text: string): string;
  /** Exactly `width` columns, filled up to `share` (0 to 1). */
  bar(share: number, width: number): string;
}

const SGR: Readonly<Record<Color, number>> = {
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
  dim: 2,
  bold: 1,
};
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export const TERMINAL_STYLE: TextStyle = {
  paint: (color, text) => `\u001b[${SGR[color]}m${text}\u001b[0m`,
  bar(share, width) {
    const eighths = Math.round(clamp(share) * width * 8);
    const full = '█'.repeat(Math.floor(eighths / 8));
    return `${full}${EIGHTHS[eighths % 8]}`.padEnd(width);
  },
};

export const PLAIN_STYLE: TextStyle = {
  paint: (_color, text) => text,
  bar: (share, width) => '#'.repeat(Math.round(clamp(share) * width)).padEnd(width),
};

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
