/**
 * A mount in a process of its own. The pass phrase goes through a pipe: not by argument, not by environment.
 *
 * The parent writes one line to the child's standard input (what to mount) and reads one from its descriptor 3 (that
 * the mount is there, or why not).
 * @packageDocumentation
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { BrochError, type ErrorCode } from '../lib/error.js'
import { type MountRequest, runMount } from './mount-session.js'
import { logVoice, prepareLog } from './voice.js'

const REPORT_FD = 3
const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

type Report = { readonly ok: true; readonly dir: string; readonly notes: readonly string[] } | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/**
 * Returns when the mount answers.
 * @returns the process
 * @throws BrochError the child's failure
 */
export async function mountInBackground(request: MountRequest, log: string): Promise<{ pid: number; dir: string; notes: readonly string[] }> {
  prepareLog(log)
  const out = openSync(log, 'a', 0o600)
  const child = spawn(process.execPath, [BROCH, 'serve'], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', out, 'pipe'] })
  closeSync(out)
  const died = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new BrochError('MOUNT_FAILED', 'the process of the mount could not be started', { cause })))
    child.once('exit', (code, signal) => reject(new BrochError('MOUNT_FAILED', `the process of the mount ended with ${code ?? signal}; its log is ${log}`)))
  })
  child.stdin?.on('error', () => undefined) // told by `died`
  child.stdin?.end(`${JSON.stringify({ ...request, passphrase: Buffer.from(request.passphrase).toString('base64') })}\n`)
  const report = await Promise.race([readReport(child.stdio[REPORT_FD] as Readable), died])
  if (!report.ok) throw new BrochError(report.code, report.message)
  await stat(report.dir) // the kernel asks, the child answers
  child.removeAllListeners()
  child.unref()
  return { pid: child.pid as number, dir: report.dir, notes: report.notes }
}

/** Never resolves when the child ends without a word: that is heard otherwise. */
async function readReport(pipe: Readable): Promise<Report> {
  for await (const line of createInterface({ input: pipe })) {
    pipe.destroy()
    return JSON.parse(line) as Report
  }
  return new Promise(() => undefined)
}

/** The child: serves what its standard input names until it is unmounted. */
export async function serveInBackground(log: string): Promise<void> {
  const voice = logVoice(log)
  const tell = (report: Report): void => {
    writeSync(REPORT_FD, `${JSON.stringify(report)}\n`)
    closeSync(REPORT_FD)
  }
  const state = { isReady: false }
  try {
    const request = await readRequest()
    await runMount(request, voice, (dir, notes) => {
      state.isReady = true
      voice.say('mounted')
      tell({ ok: true, dir, notes })
    })
    voice.say('unmounted')
  } catch (error) {
    voice.fault(error)
    if (state.isReady) throw error
    const { code, message } = error instanceof BrochError ? error : new BrochError('INTERNAL', 'a fault of Broch', { cause: error })
    tell({ ok: false, code, message })
    process.exitCode = 1
  }
}

async function readRequest(): Promise<MountRequest> {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Omit<MountRequest, 'passphrase'> & { passphrase: string }
    return { ...request, passphrase: Buffer.from(request.passphrase, 'base64') }
  }
  throw new BrochError('INVALID', 'broch serve is started by broch mount only')
}
