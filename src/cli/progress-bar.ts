/**
 * How far a copy has come, on a terminal.
 * @packageDocumentation
 */
import cliProgress from 'cli-progress'
import { showBytes } from './safe-text.js'

export class ProgressBar {
  readonly #bar: cliProgress.SingleBar
  #bytes = 0
  #files = 0

  constructor(total: { readonly bytes: number; readonly files: number }) {
    this.#bar = new cliProgress.SingleBar({
      stream: process.stderr,
      hideCursor: true,
      fps: 5,
      clearOnComplete: true,
      format: `{bar} {percentage} % | {done} of ${showBytes(total.bytes)} | {files} of ${total.files} files | {eta_formatted} left`,
    }, cliProgress.Presets.shades_classic)
    this.#bar.start(Math.max(total.bytes, 1), 0, this.#payload())
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes
    this.#bar.update(this.#bytes, this.#payload())
  }

  addFile(): void {
    this.#files += 1
    this.#bar.update(this.#bytes, this.#payload())
  }

  /** A line above the bar. */
  say(line: string): void {
    process.stderr.write(`\r\u001b[K${line}\n`)
  }

  stop(): void {
    this.#bar.stop()
  }

  #payload(): { done: string; files: number } {
    return { done: showBytes(this.#bytes), files: this.#files }
  }
}
