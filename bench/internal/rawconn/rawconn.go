// Package rawconn reads and writes TCP connections by system calls of which Go's scheduler is not told.
//
// Go announces each system call to its scheduler, as it could block. A call after a time without work wakes a thread of the runtime
// (sysmon) that watches for that, and this thread then wakes every 20 µs as long as there is work. A service that gets small requests with
// short pauses between them pays for that with each of them: of the local Lambda service it is a quarter of its CPU time, and half of its
// context switches. Sockets of Go never block, though: they are asked, and if they have nothing, the netpoller waits for them. Here that
// works as before, deadlines included, but the asking is a raw system call.
//
// What is lost is that sysmon takes the processor away from a goroutine that computes for more than 10 ms while another waits: it does so
// only once it is awake, from the next timer or other system call on.
package rawconn
