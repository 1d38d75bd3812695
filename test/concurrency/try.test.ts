import { it } from 'vitest'
import { explore } from './interleaving/exploration.js'
import { turnModel } from './interleaving/turn-model.js'
for (const [what, o] of Object.entries({
  two: {turns:[1,1]},
  patient: {turns:[1,1], patienceMs:Infinity},
  two2: {turns:[2,1]},
  dies: {turns:[1,1],mortal:[0], patienceMs:Infinity},
  wrong: {turns:[1,1],wrongVerdicts:1, patienceMs:0},
  noboot: {turns:[1,1],bootIds:[undefined,undefined], patienceMs:Infinity},
  loose: {turns:[1,1],strictListings:false},
  three: {turns:[1,1,1]},
  threedies: {turns:[1,1,1],mortal:[0]},
})) it(what, () => {
  const t = performance.now()
  const r = explore(turnModel(o), 700_000)
  console.log(what, r, Math.round(performance.now()-t), 'ms', process.memoryUsage().rss/1e6|0)
}, 600000)
