variable "name" {
  description = "Name of the function, and beginning of all other names."
  type        = string
  default     = "kfgrab"
}

variable "zip" {
  description = "Path of the zip that make lambda builds, for var.architecture."
  type        = string
}

variable "architecture" {
  description = "Of the zip: arm64, or x86_64 for kfgrab-lambda-amd64.zip."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "memory" {
  description = "Memory in MB. Lambda gives CPU by it: 1769 is one whole processor."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 256
    error_message = "A picture of 1080p takes more than 128 MB."
  }
}

variable "timeout" {
  description = "Seconds for one picture. What takes longer is told of half a second before."
  type        = number
  default     = 20
}

variable "streams" {
  description = "Streams that the function knows by name, with what is asked of them where a request does not say otherwise."
  type = map(object({
    url        = string
    headers    = optional(map(string))
    edge       = optional(string)
    at         = optional(string)
    skip_black = optional(number)
    format     = optional(string)
    width      = optional(number)
    height     = optional(number)
    fit        = optional(string)
    crop       = optional(string)
    quality    = optional(number)
    overlay    = optional(bool)
    name       = optional(string)
    sink       = optional(string)
  }))
  default   = {}
  sensitive = true # URLs and headers have credentials in them
}

variable "allowed_hosts" {
  description = "Hosts of streams that are asked for by URL: names, *.example.com, addresses, networks. Empty: the function URL serves var.streams alone."
  type        = list(string)
  default     = []
}

variable "max_age" {
  description = "Seconds for which browsers and caches may show a picture again."
  type        = number
  default     = 5
}

variable "schedules" {
  description = "Pictures that are taken by themselves: an expression of EventBridge Scheduler, such as rate(5 minutes), and the event, as jsonencode makes it."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    event      = string
  }))
  default = {}
}

variable "bucket" {
  description = "Name of the bucket that events may put pictures into, or null."
  type        = string
  default     = null
}

variable "bucket_prefix" {
  description = "Where in the bucket they may be put: all keys that begin so."
  type        = string
  default     = "kfgrab/"
}

variable "function_url" {
  description = "Whether there is a URL at which browsers get pictures."
  type        = bool
  default     = false
}

variable "function_url_public" {
  description = "Whether anybody may ask there, or signed requests (AWS_IAM) alone."
  type        = bool
  default     = false
}

variable "reserved_concurrency" {
  description = "How many pictures are taken at once at most; -1 is the account's limit. A public URL had better have one."
  type        = number
  default     = -1
}

variable "log_retention" {
  description = "Days for which the log is kept."
  type        = number
  default     = 30
}

variable "subnet_ids" {
  description = "Subnets to run in, for cameras in a VPC; empty: none."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the function in var.subnet_ids."
  type        = list(string)
  default     = []
}
