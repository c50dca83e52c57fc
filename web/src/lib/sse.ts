// Asking the hub: a POST with its answer, or server-sent events of an OpenAI-shaped stream as an async iterator of
// parsed `data:` objects.
// Source: WHATWG HTML, "Interpreting an event stream"; the end is the line `data: [DONE]`.

export class ApiError extends Error {
  constructor(message: string, readonly status: number) {
    super(message)
  }
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as { error?: string | { message?: string } }
    const message = typeof body.error === 'string' ? body.error : body.error?.message
    return new ApiError(message ?? text, response.status)
  } catch {
    return new ApiError(text || response.statusText, response.status)
  }
}

async function send(url: string, body: unknown, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (!response.ok) throw await failure(response)
  return response
}

/** The JSON that answers a POST; an ApiError says what the hub says against it. */
export async function post<T>(url: string, body: unknown, signal: AbortSignal): Promise<T> {
  return (await (await send(url, body, signal)).json()) as T
}

export async function* stream<T>(url: string, body: unknown, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const response = await send(url, body, signal)
  if (!response.body) throw new ApiError('the answer has no body', 0)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let pending = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new ApiError('the stream was cut before its end', 0)
    pending += value
    for (let end; (end = pending.indexOf('\n\n')) >= 0; ) {
      const event = pending.slice(0, end)
      pending = pending.slice(end + 2)
      for (const line of event.split('\n')) {
        if (!line.startsWith('data:')) continue
        const data = line.slice(5).trim()
        if (data === '[DONE]') return
        const parsed = JSON.parse(data) as { error?: { message?: string } }
        if (parsed.error) throw new ApiError(parsed.error.message ?? 'the model failed', 0)
        yield parsed as T
      }
    }
  }
}
