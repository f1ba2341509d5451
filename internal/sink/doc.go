// Package sink puts pictures where they are kept: a directory, an S3-compatible
// object store, a tar stream. It tells others of them, too: a command, a webhook.
//
// Call [OpenDir], [OpenS3] or [NewTar], then Put for every picture; all three may
// be used by several goroutines at once. What a picture is called there, a
// [Template] says. [ParseDestination] reads what a user writes for one of them.
//
// [Exec.Run] and [Webhook.Post] take the [Event] that [Picture.Event] makes of a picture
// that has been put, and return when all is done. A [Queue] calls them in goroutines of
// its own, so that a hook that hangs delays no capture.
//
// Pictures are bytes here: nothing decodes or changes them. Nothing is logged.
package sink
