// Package sink stores pictures in a directory, in an S3-compatible object store or in
// a tar stream, and reports them to commands and webhooks. It is internal to kfgrab:
// kfgrab watch and the Lambda handler use it.
//
// Call [OpenDir], [OpenS3] or [NewTar], then Put for every picture. All three may be
// used by several goroutines at once. A [Template] makes the name of each picture.
// [ParseDestination] reads what a user writes for one of the three.
//
// [Exec.Run] and [Webhook.Post] take the [Event] that [Picture.Event] returns for a
// stored picture, and return when they are done. A [Queue] calls them in goroutines of
// its own, so that a hook that hangs delays no capture.
//
// The package neither decodes nor changes pictures, except that [OnChange] decodes
// them to compare them. It logs nothing.
package sink
