// k6 counts what it can as cheaply as it can: no checks of the answers, no groups, no tags of its own.
import http from 'k6/http';

const open = {
  executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s', duration: __ENV.DURATION,
  preAllocatedVUs: Number(__ENV.CONNECTIONS), maxVUs: Number(__ENV.CONNECTIONS), gracefulStop: '30s',
};
const closed = { executor: 'constant-vus', vus: Number(__ENV.CONNECTIONS), duration: __ENV.DURATION };

export const options = {
  scenarios: { load: __ENV.RATE ? open : closed },
  summaryTrendStats: ['med', 'p(90)', 'p(95)', 'p(99)'],
};

export default function () {
  http.get(__ENV.URL);
}

export function handleSummary(data) {
  return { stdout: JSON.stringify(data.metrics) };
}
