package metadata

import (
	"bytes"
	"encoding/xml"
)

// xmpPacket returns f as a packet of XMP (ISO 16684-1), nil if f is empty. It also
// holds the source, for which Exif has no tag.
func xmpPacket(f Fields) []byte {
	var properties bytes.Buffer
	for _, p := range []struct{ name, value string }{
		{"dc:source", f.Source},
		{"xmp:CreatorTool", f.Software},
		{"xmp:CreateDate", formatTime(f.Taken)},
		{"exif:DateTimeOriginal", formatTime(f.MediaTime)},
	} {
		if p.value != "" {
			properties.WriteString("\n  " + p.name + `="`)
			xml.EscapeText(&properties, []byte(p.value)) // a Buffer takes everything
			properties.WriteByte('"')
		}
	}

	if properties.Len() == 0 {
		return nil
	}
	return []byte(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about=""
  xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:exif="http://ns.adobe.com/exif/1.0/"` + properties.String() + `/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`)
}
