/**
 * A page in a real browser: served on loopback, run until it posts what it found.
 * @packageDocumentation
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CHROMIUM = process.env['BROCH_CHROMIUM'] ?? 'chromium'
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
]
/** Nothing but the page's own script: no eval, no WebAssembly, no other host. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"

/** Why no browser can be run here, and what helps; undefined when one can. */
export function whyNoBrowser(): string | undefined {
  const { status } = spawnSync(CHROMIUM, ['--version'], { stdio: 'ignore' })
  return status === 0 ? undefined : 'there is no chromium (sudo bash scripts/install-test-tools.sh)'
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const part of request.setEncoding('utf8')) body += String(part)
  return body
}

/** What `script` gives to `POST /result`; it is loaded as a classic script. */
export async function runPage(script: string): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'broch-chromium-'))
  const server = createServer()
  const answer = new Promise<string>((done) => {
    server.on('request', (request, response) => {
      if (request.method === 'POST') {
        void bodyOf(request).then((body) => {
          response.end()
          done(body)
        })
      } else if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
      else response.setHeader('content-type', 'text/html').setHeader('content-security-policy', POLICY).end('<!doctype html><script src="/page.js"></script>')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const browser = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  browser.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const ended = once(browser, 'exit')
  try {
    return await Promise.race([answer, ended.then(() => Promise.reject(new Error(`the browser ended: ${said}`)))])
  } finally {
    browser.kill('SIGTERM')
    await ended
    server.closeAllConnections()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}
