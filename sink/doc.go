// Package sink puts pictures where they are kept: a directory, an S3-compatible
// object store, a tar stream. It tells others of them, too: a command, a webhook.
//
// Call [OpenDir], [OpenS3] or [NewTar], then Put for every picture; all three may
// be used by several goroutines at once. What a picture is called there, a
// [Template] says. [ParseDestination] reads what a user writes for one of them.
//
// [Exec] and [Webhook] take the [Event] that [Picture.Event] makes of a picture that
// has been put. Their calls return when all is done; [Queue] has them made beside
// the captures, of which a hook that hangs then delays none.
//
// Pictures are bytes here: nothing decodes or changes them. Nothing is logged.
package sink
