import { BROCH, type BrochHome, type Outcome, run } from './broch.js'

/** Types answers at a terminal of its own, each when its question is there; prints what the terminal showed, then gives the code. */
const TYPIST = `
import os, pty, signal, sys
signal.alarm(100)
answers = eval(sys.argv[1])
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
seen = b''
while True:
    try: data = os.read(fd, 4096)
    except OSError: break
    if not data: break
    seen += data
    while answers and seen.count(b': ') >= answers[0][0]: os.write(fd, answers.pop(0)[1])
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

export async function whyNoTerminal(): Promise<string | undefined> {
  const isThere = await run('python3', ['--version']).then(() => true, () => false)
  return isThere ? undefined : 'there is no python3 for a terminal (apt install python3)'
}

/** @param answers - a list of Python: (how many questions were asked, what is typed then) */
export function typeAtTerminal(home: BrochHome, answers: string, ...args: string[]): Promise<Outcome> {
  return run('python3', ['-c', TYPIST, answers, process.execPath, BROCH, ...args], { env: home.env })
}
