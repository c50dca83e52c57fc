// What the server's page shell hands to the browser: one JSON block, `<script type="application/json" id="data">`.
// Written by src/server/pages; the objects in it are those of the Hub's API (huggingface_hub 2.4.0 ModelInfo, RepoFile).

export type Kind = 'models' | 'datasets' | 'spaces'

export interface User {
  name: string
  isAdmin: boolean
}

export interface RepoSummary {
  id: string
  private: boolean
  gated: boolean | string
  downloads: number
  likes: number
  lastModified: string
  tags: string[]
  pipeline_tag?: string
  library_name?: string
}

export interface RepoInfo extends RepoSummary {
  sha: string
  author: string
  createdAt: string
  cardData?: Record<string, unknown>
  safetensors?: { total: number; parameters: Record<string, number> }
  gguf?: { total?: number; architecture?: string; context_length?: number; chat_template?: string }
  usedStorage?: number
}

export interface Entry {
  type: 'file' | 'directory'
  path: string
  size: number
  oid: string
  lfs?: { oid: string; size: number }
  lastCommit?: { id: string; title: string; date: string }
}

export interface GateField {
  name: string
  type: 'text' | 'checkbox' | 'date_picker' | 'country' | 'select'
  options: { label: string; value: string }[]
}
/** How a gated repository is asked for, and how the reader stands. */
export interface Gate {
  mode: 'auto' | 'manual'
  state: 'anonymous' | 'none' | 'pending' | 'accepted' | 'rejected' | 'holder'
  heading: string
  /** HTML of the card's prompt. */
  prompt: string
  button: string
  license: string
  fields: GateField[]
  reason?: string
  /** For who may decide. */
  pending?: { user: string; fullname: string; fields: Record<string, unknown> }[]
}

interface Shared {
  endpoint: string
  user: User | null
  /** shown in X-CSRF-Token by changes made with the session; absent for visitors */
  csrfToken?: string
}
export interface HomeData extends Shared {
  page: 'home'
  counts: Record<Kind, number>
  repos: RepoSummary[]
}
export interface ListData extends Shared {
  page: 'list'
  kind: Kind
  search: string
  repos: RepoSummary[]
}
export interface RepoData extends Shared {
  page: 'repo'
  kind: Kind
  info: RepoInfo
  files: Entry[]
  gate?: Gate
  /** What this hub's engines do with the model; '' when they do not run it. */
  use: 'chat' | 'embed' | 'task' | ''
  /** It has a tokenizer, and this caller may read it. */
  tokenizes: boolean
  /** Whether this caller may use it, and why not. */
  inference: 'allowed' | 'sign-in' | 'off'
}
export interface TreeData extends Shared {
  page: 'tree'
  kind: Kind
  info: RepoInfo
  revision: string
  path: string
  entries: Entry[]
}
export interface BlobData extends Shared {
  page: 'blob'
  kind: Kind
  info: RepoInfo
  revision: string
  path: string
  size: number
  /** The text, or null when it is binary or over 1 MB. */
  text: string | null
}
export interface LoginData extends Shared {
  page: 'login'
  /** Why the last try failed; empty at first. */
  message: string
  /** Where to go after it; empty: home. */
  next: string
  providers?: { name: string; label: string }[]
  /** The name that the last try gave. */
  username?: string
  /** The password was right: now the code. */
  second?: { username: string; expires: string; proof: string }
}
export interface Scope {
  name: string
  says: string
}
export interface AuthorizeData extends Shared {
  page: 'authorize'
  app: string
  redirect: string
  scopes: Scope[]
  /** The user's organisations, where the scopes can open them. */
  orgs?: { id: string; name: string; required: boolean; chosen: boolean }[]
  /** The application's request, handed back with the decision. */
  request: Record<string, string>
}
export interface DeviceData extends Shared {
  page: 'device'
  code: string
}
/** What an engine says of itself: of one that generates all but `texts` and `total_ms`, of one that embeds those. Times in
 * milliseconds: half of the requests are under `_p50`, 99 % under `_p99`. */
export interface EngineStats {
  requests: number
  waiting?: number
  active?: number
  tokens_per_s?: number
  prompt_tokens?: number
  cached_tokens?: number
  completion_tokens?: number
  cache_bytes?: number
  cache_bytes_max?: number
  texts?: number
  queue_ms_p50?: number
  queue_ms_p99?: number
  first_token_ms_p50?: number
  first_token_ms_p99?: number
  gap_ms_p50?: number
  gap_ms_p99?: number
  total_ms_p50?: number
  total_ms_p99?: number
}
export interface EngineState {
  model: string
  state: 'starting' | 'ready' | 'ended'
  /** Requests under way. */
  answering: number
  stats?: EngineStats
}
export interface EnginesData extends Shared {
  page: 'engines'
  engines: EngineState[]
}
export interface MessageData extends Shared {
  page: 'message'
  title: string
  text: string
}
export type PageData = HomeData | ListData | RepoData | TreeData | BlobData | LoginData | AuthorizeData | DeviceData | EnginesData | MessageData

export function readData(): PageData {
  const block = document.getElementById('data')
  if (!block?.textContent) throw new Error('the page came without its data block')
  return JSON.parse(block.textContent) as PageData
}

/** Address of a repository's page: models live at the root, the other kinds under their name. */
export function repoUrl(kind: Kind, id: string): string {
  return kind === 'models' ? `/${id}` : `/${kind}/${id}`
}

export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
