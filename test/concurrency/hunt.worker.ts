import { explore, wander } from './interleaving/exploration.js'
import { turnModel } from './interleaving/turn-model.js'
import { leaseModel } from './interleaving/lease-model.js'
import { seededRandom } from '../torture/seeds.js'
const B='b'
const models: Record<string, any> = {
  two2: turnModel({turns:[2,1]}),
  two22: turnModel({turns:[2,2],patienceMs:Infinity}),
  wrong: turnModel({turns:[1,1],wrongVerdicts:1}),
  wrong2: turnModel({turns:[2,2],wrongVerdicts:2}),
  wrong2p: turnModel({turns:[2,2],wrongVerdicts:2,patienceMs:Infinity}),
  loose: turnModel({turns:[1,1],strictListings:false}),
  loosewrong: turnModel({turns:[2,1],strictListings:false,wrongVerdicts:1}),
  three: turnModel({turns:[2,1,1]}),
  threep: turnModel({turns:[3,1,1],patienceMs:Infinity}),
  threedies: turnModel({turns:[1,2,2],mortal:[0]}),
  threediesp: turnModel({turns:[2,2,1],mortal:[0],patienceMs:Infinity}),
  threewrong: turnModel({turns:[1,1,1],wrongVerdicts:2}),
  threewrongloose: turnModel({turns:[2,1,1],wrongVerdicts:2,strictListings:false}),
  noboot3: turnModel({turns:[2,2,1],bootIds:[undefined,undefined,undefined],patienceMs:Infinity}),
  noboot3w: turnModel({turns:[2,2,1],bootIds:[undefined,undefined,undefined],wrongVerdicts:1}),
  mixed: turnModel({turns:[2,2,1],bootIds:['a','b',undefined],wrongVerdicts:1}),
  lease3: leaseModel({rounds:[1,1,3],bootIds:[B,B,B],parks:true}),
  lease3l: leaseModel({rounds:[2,1,3],bootIds:[B,B,B],strictListings:false}),
  lease3pl: leaseModel({rounds:[2,2,3],bootIds:[B,B,B],parks:true,strictListings:false}),
  lease3no: leaseModel({rounds:[2,2,3],bootIds:[undefined,undefined,undefined],parks:true,strictListings:false}),
  lease4: leaseModel({rounds:[1,1,2,3],bootIds:[B,B,B,B],parks:true,strictListings:false}),
}
const [mode, what, count, seed='1'] = process.argv.slice(2)
const t = performance.now()
for (const [name, model] of Object.entries(models)) {
  if (what !== 'all' && what !== name) continue
  const t = performance.now()
  try {
    if (mode === 'explore') console.log(name, JSON.stringify(await explore(model, Number(count))))
    else { await wander(model, Number(count), seededRandom(Number(seed))); console.log(name, 'fine') }
  } catch (e) { console.log(name, 'VIOLATION', String(e)) }
  console.log(name, Math.round(performance.now()-t), 'ms')
}
