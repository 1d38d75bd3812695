/** How components of a system are and were, and how the store itself is. */
export type { Alert, AlertKind } from './alerts.js'
export type { ComponentHealth, HealthStatus } from './component-state.js'
export {
  Health,
  type HealthChange,
  type HealthEvents,
  type HealthHost,
  type HealthSpan,
  healthName,
  type RecordedHealth,
  type RecordOptions,
  type StatusLineOptions,
  type TransitionsQuery,
  type UptimeQuery,
} from './health.js'
export type { HealthSummary, HealthTransition, Uptime } from './history.js'
export type { CheckOptions, HealthCheck } from './self-check.js'
export { type OperationMetrics, Vitals } from './vitals.js'
