/**
 * A certificate for localhost and 127.0.0.1 that is its own authority, good for a hundred years, and its key. Made with
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost
 *       -addext subjectAltName=DNS:localhost,IP:127.0.0.1
 */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUb08WdWG4QvUpw92iSXloNNE+kmcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE0NDYzM1oYDzIxMjYxMTAy
MTQ0NjMzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATtSY0yoFK9XgI+hvMG2uv+MIl7YE7xN6cRfg2P5RKZxIwsazNXTgcF
sYB6EIC6QSkNLZLHRgHemnYzhinGYIoCo28wbTAdBgNVHQ4EFgQUdl+NH+VBqskg
zmlo/FeX3F129sgwHwYDVR0jBBgwFoAUdl+NH+VBqskgzmlo/FeX3F129sgwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhALksBmTF8zDuZFiENPy8vzyhIBKJxRiPoyvNM8dRYhCQAiEA
z3yLcWSbtX0S5kTrCvQRrbXV35LUVBdzmqTkr6WSXgo=
-----END CERTIFICATE-----
`;

export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCqXprnlqacNifP9i
msCOWHEaoEKhvR79haQYYxtbl+OhRANCAATtSY0yoFK9XgI+hvMG2uv+MIl7YE7x
N6cRfg2P5RKZxIwsazNXTgcFsYB6EIC6QSkNLZLHRgHemnYzhinGYIoC
-----END PRIVATE KEY-----
`;
