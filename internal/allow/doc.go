// Package allow keeps a program that fetches what strangers name from being their way
// into networks that they do not reach themselves (server-side request forgery).
//
// Call [Parse] for the list of hosts that an operator allows, [List.CheckURL] before a
// stranger's URL is opened, and give [List.DialContext] to whatever connects on its
// behalf: redirects and the URIs of playlists come by there as well. There it is the
// address that is dialled that counts, whatever the name server said before.
//
// Absent: ports, paths, credentials. Datagrams do not come by DialContext.
package allow
