variable "name" {
  description = "Name of the function, and prefix of all other names."
  type        = string
  default     = "kfgrab"
}

variable "zip" {
  description = "Path of the zip for var.architecture, as make lambda builds it."
  type        = string
}

variable "architecture" {
  description = "Architecture of the zip: arm64, or x86_64 for kfgrab-lambda-amd64.zip."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "memory" {
  description = "Memory in MB. Lambda assigns CPU in proportion: 1769 MB is one whole processor."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 256
    error_message = "A picture of 1080p needs more than 128 MB: use at least 256."
  }
}

variable "timeout" {
  description = "Seconds for one picture. The function reports a timeout half a second earlier."
  type        = number
  default     = 20
}

variable "streams" {
  description = "Streams by name, with defaults for requests."
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
  sensitive = true # URLs and headers contain credentials
}

variable "allowed_hosts" {
  description = "Hosts that requests may name in a URL: names, *.example.com, addresses, networks. If empty, the function URL serves only var.streams."
  type        = list(string)
  default     = []
}

variable "max_age" {
  description = "Seconds for which browsers may cache a picture."
  type        = number
  default     = 5
}

variable "schedules" {
  description = "Pictures on a schedule: an expression of EventBridge Scheduler, such as rate(5 minutes), and the event, made with jsonencode."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    event      = string
  }))
  default = {}
}

variable "bucket" {
  description = "Name of the bucket in which events may store pictures, or null."
  type        = string
  default     = null
}

variable "bucket_prefix" {
  description = "Prefix of all keys that events may write."
  type        = string
  default     = "kfgrab/"
}

variable "function_url" {
  description = "Whether to create a URL at which browsers get pictures."
  type        = bool
  default     = false
}

variable "function_url_public" {
  description = "Whether the URL answers anybody, or only signed requests (AWS_IAM)."
  type        = bool
  default     = false
}

variable "reserved_concurrency" {
  description = "Maximum number of pictures at the same time; -1 means the account's limit. Set it for a public URL."
  type        = number
  default     = -1
}

variable "log_retention" {
  description = "Days to keep the log."
  type        = number
  default     = 30
}

variable "subnet_ids" {
  description = "Subnets to run in, for cameras in a VPC; may be empty."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the function in var.subnet_ids."
  type        = list(string)
  default     = []
}
