// Signs in as a page would: argv: the hub, a client id, the folder of @huggingface/hub. Prints the address to visit,
// reads where the hub sent the browser back to, prints the outcome.
import { createInterface } from 'node:readline/promises'
import { pathToFileURL } from 'node:url'

const [hubUrl, clientId, folder] = process.argv.slice(2)
const { oauthLoginUrl, oauthHandleRedirect } = await import(pathToFileURL(`${folder}/dist/index.mjs`))
const kept = {}
console.log(
  await oauthLoginUrl({ hubUrl, clientId, redirectUrl: 'http://localhost:1234/back', scopes: 'openid profile read-repos', state: 'mine', localStorage: kept }),
)
const lines = createInterface({ input: process.stdin })
const redirectedUrl = await new Promise((resolve) => lines.once('line', resolve))
lines.close()
console.log(JSON.stringify(await oauthHandleRedirect({ hubUrl, redirectedUrl, nonce: kept.nonce, codeVerifier: kept.codeVerifier })))
