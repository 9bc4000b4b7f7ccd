// Requests to the demo's own programs: http or https by the address. Which authority signs their server
// certificates is told once.
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';

// From now on this process's https requests believe what this certificate (PEM) signed, too.
export function trust(pem) {
  const { options } = https.globalAgent;
  options.ca = [...(options.ca ?? tls.rootCertificates), pem];
}

export const moduleFor = (url) => (`${url}`.startsWith('https:') ? https : http);
