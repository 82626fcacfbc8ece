package loopback

import "testing"

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "a.localhost:1": true,
		"127.0.0.1": true, "127.9.9.9:80": true, "[::1]": true, "[::1]:8080": true, "::1": true, "[::ffff:127.0.0.1]:1": true,
		"": false, ":8080": false, "0.0.0.0:80": false, "10.0.0.1": false, "example.com": false, "localhost.example.com": false,
		"notlocalhost": false, ".localhost": false, "a b.localhost": false, "[::1": false, "127.0.0.1.nip.io": false,
		"localhost:port": false, "localhost:": false, "[::]": false, "localhost@evil.example": false, "[fe80::1%lo]": false,
	} {
		if got := IsHost(host); got != want {
			t.Errorf("IsHost(%q) = %v", host, got)
		}
	}
}

func TestIsOrigin(t *testing.T) {
	for origin, want := range map[string]bool{
		"http://localhost:8080": true, "https://localhost": true, "http://127.0.0.1:3000": true, "http://[::1]:1": true,
		"": false, "null": false, "http://example.com": false, "https://localhost.example.com": false, "file://": false,
		"http://localhost:8080/path": false, "http://localhost@example.com": false, "chrome-extension://localhost": false,
	} {
		if got := IsOrigin(origin); got != want {
			t.Errorf("IsOrigin(%q) = %v", origin, got)
		}
	}
}
