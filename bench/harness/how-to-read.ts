export const HOW_TO_READ = `\
- A ratio compares the requests per second of two contenders in the same round. The number is the median over the
  rounds, with the least and the most in brackets. Above 1 means faster. A difference within the brackets means nothing.
- Each contender is an Express app in its own process, which lives through all rounds of a table, with
  NODE_ENV=production. In each round all contenders take their turn, one after the other, and each round starts with
  another one. The three tables are measured one after the other in one run.
- 50 connections show the throughput of one process at full load; one connection shows the time of a single request.
  Latencies with 50 connections are mostly queueing, because the load sends the next request as soon as it has an answer.
- Before anything is measured, each contender logs in for real. It must answer 200 with the right sub to its cookie, 401
  without a cookie, 401 to a forged cookie and, if it has a password login, 401 to a wrong password (floor-get is not
  checked for that, floor-express for none of it). The access token that it returns must be one that was issued to that
  user. An answer other than 200 or a broken connection during a measurement ends the run.
- In the token table each handler obtains the access token and answers with its last characters. No token expires during
  a run, so nobody refreshes. oidc-* check isExpired() first, as their documentation shows, and base compares the time.
- In the login table base stores the session twice: once because it is saved before the answer, and once because
  express-session saves a new session at the end of the answer even if that has been done.
- CPU is the time of all threads of the contender's process, with 50 connections.
- Redis commands are those counted by the server; a script counts as evalsha and as each command that it runs.
- Round trips are counted by a proxy between the contender and Redis, in a process started for that: the average of 20
  requests, one at a time, on a warm session. Commands that are sent before the first of their answers has arrived are
  one round trip. The at most one write a minute that extends a session is in the warm-up.
- Bytes are MEMORY USAGE of all keys that the login added, key names and overhead included. Contenders on express-session
  store the claims of the ID token and all three tokens. Ours stores the claims, the access and refresh token and the
  list of the user's sessions, but not the ID token; ours-limited also has the counters of its limits. The raw tokens are
  the access, ID and refresh token as issued.
- oidc-cookie keeps everything in the cookie; what that costs on the way to the browser and back is not measured.
- The floors do less than the others: floor-express authenticates nobody, floor-get trusts an unsigned cookie and checks
  no lifetime. They show how much of the time is not spent on sessions.
- Peers that insist on https reach the stub on loopback through their own customFetch, so nobody pays for TLS.
- Sessions are real: a POST of the password or, for peers without a password login, an authorization code flow.`
