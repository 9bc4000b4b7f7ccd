// Registers the demo's platforms, and two clients for tools, through tamgactl: as an operator would.
import path from 'node:path';
import { run } from '../keys/openssl.mjs';
import { secureAt } from './addresses.mjs';
import { built, writeJson } from './settings.mjs';

const PLATFORM_SCOPE = 'openid enterprise lock';
const TOOL_SCOPE = 'openid enterprise lock email phone address offline_access';
const TOOL_GRANTS = ['authorization_code', 'refresh_token'];

const named = ({ zh, en }) => ({
  client_name: zh,
  'client_name#zh-CN': zh,
  'client_name#en': en,
});

function platformMetadata({ id, name, group, city, phone, joined = true }, place, order) {
  const home = secureAt(place);
  return {
    client_id: id,
    ...named(name),
    redirect_uris: [`${home}/callback`],
    initiate_login_uri: `${home}/initiate`,
    client_uri: `${home}/`,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
    scope: PLATFORM_SCOPE,
    tamga_group: group,
    ...(city ? { tamga_city: city } : {}),
    tamga_order: order,
    tamga_phone: phone,
    tamga_joined: joined,
    tamga_environment: 'test',
  };
}

// The tool client is confidential with RS256 and may ask in its own name, the public one has PKCE only.
function toolMetadata(id, { name, redirect_uri: redirect }) {
  const own = id === 'public' ? [] : ['client_credentials'];
  return {
    client_id: `demo-${id}`,
    ...named(name),
    redirect_uris: [redirect],
    token_endpoint_auth_method: id === 'public' ? 'none' : 'client_secret_basic',
    id_token_signed_response_alg: id === 'public' ? 'ES256' : 'RS256',
    grant_types: [...TOOL_GRANTS, ...own],
    scope: id === 'public' ? TOOL_SCOPE : `${TOOL_SCOPE} service`,
    tamga_environment: 'test',
  };
}

async function add(settings, folder, metadata) {
  const file = path.join(folder, 'clients', `${metadata.client_id}.json`);
  await writeJson(file, metadata);
  const said = await run(built('bin/tamgactl'), ['--settings', settings, 'client', 'add', file]);
  const { client_id, client_secret } = JSON.parse(said);
  return { client_id, client_secret, redirect_uri: metadata.redirect_uris[0] };
}

// register(demo, settings of the provider): by platform id, and `tool` and `public`:
// {client_id, client_secret (shown this once), redirect_uri}.
export async function register({ folder, region, places }, settings) {
  const platforms = region.platforms.map((each, i) => {
    return [each.id, platformMetadata(each, places[`platform ${each.id}`], i + 1)];
  });
  const tools = Object.entries(region.tools).map(([id, tool]) => [id, toolMetadata(id, tool)]);
  const clients = {};
  for (const [id, metadata] of [...platforms, ...tools]) {
    clients[id] = await add(settings, folder, metadata);
  }
  return clients;
}
