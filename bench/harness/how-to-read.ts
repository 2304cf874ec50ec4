export const HOW_TO_READ = `\
- The ratio is requests per second by those of base in the same round; the number is the median over the rounds, and in
  brackets are the least and the most. Above 1: faster than base. A difference within the brackets is none.
- Each contender is an Express app in a process of its own, kept alive over all rounds, with NODE_ENV=production. In each
  round all take their turn, one after the other, and each round begins with another one.
- 50 connections show the throughput of one process at full load, one connection the time of a single request. Latencies
  with 50 connections are mostly waiting for one's turn, as the load sends the next request as soon as it has an answer.
- Before anything is measured each contender has logged in for real and has answered 200 with the right sub to its
  cookie, 401 without one, 401 to a forged one and, where it has a password login, 401 to a wrong password (not the
  floors). An answer other than 200 or a broken connection during a measurement ends the run.
- In the login table base stores the session twice: once because it is saved before the answer, and once more because
  express-session saves a new session at the end of the answer, whether or not that has been done.
- CPU is the time of all threads of the contender's process, with 50 connections.
- Redis commands are those that the server counted; a script counts as evalsha and as each command that it runs.
- Bytes are MEMORY USAGE of all keys that the login added: the claims of the ID token and all three tokens for the
  contenders on express-session, with overhead and list of the user's sessions for ours, which does not keep the ID token.
- oidc-cookie keeps everything in the cookie; what that costs on the way to the browser and back is not measured.
- The floors do not do what the others do: floor-express asks nobody, floor-get trusts an unsigned cookie and looks at no
  lifetime. They show what is left of the time for everything else.
- Peers that insist on https reach the stub on loopback through their own customFetch, so nobody pays for TLS.
- Sessions are real: a POST of the password, or for peers without a password login an authorization code flow.`
