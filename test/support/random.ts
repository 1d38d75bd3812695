export { seededRandom } from '../../src/testing/crash-simulating-file-system/seeded-random.js'
