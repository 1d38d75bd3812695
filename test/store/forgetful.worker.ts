/** Uses a store and a lock, and forgets to close either. */
import { openStateStore } from 'holdfast'

const { directory } = JSON.parse(process.argv[2] ?? '{}') as { directory: string }
const store = await openStateStore(directory)
const tasks = store.collection('tasks')
await tasks.set('task_1', { status: 'done' })
await store.lock('deploy')
await tasks.get('task_1')
