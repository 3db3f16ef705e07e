variable "package" {
  type        = string
  nullable    = false
  description = "The zip that `dev.py package` wrote; the template lies beside it, under the same name"

  validation {
    condition     = endswith(var.package, ".zip") && fileexists(var.package) && fileexists(replace(var.package, "/\\.zip$/", ".json"))
    error_message = "No zip with a template of its name beside it: run `python3 dev.py package` in Token Broker's repository, and name its dist/token-broker-arm64.zip."
  }
}

variable "bucket" {
  type        = string
  nullable    = false
  description = "An S3 bucket with versioning, in the region of the stack, for the zip and the template"
}

variable "stack_name" {
  type        = string
  nullable    = false
  default     = "token-broker"
  description = "The name of the CloudFormation stack"

  validation {
    condition     = startswith(var.stack_name, "token-broker")
    error_message = "The name has to begin with token-broker: the operator's commands look for logs of that name."
  }
}

# What follows are the parameters of the template.

variable "domain_name" {
  type        = string
  nullable    = false
  description = "The host of the issuer; https:// and this name are the issuer"

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain_name))
    error_message = "A host in small letters, without https:// and without a path."
  }
}

variable "certificate_arn" {
  type        = string
  nullable    = false
  description = "A certificate of that name in ACM, in the region of this stack"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[a-zA-Z0-9-]+$", var.certificate_arn))
    error_message = "The ARN of a certificate in ACM."
  }
}

variable "hosted_zone_id" {
  type        = string
  nullable    = false
  default     = ""
  description = "The Route 53 zone in which the name gets its record; empty where the record is made elsewhere"

  validation {
    condition     = can(regex("^[A-Z0-9]*$", var.hosted_zone_id))
    error_message = "The id of a hosted zone, without /hostedzone/."
  }
}

variable "alarm_topic_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "An SNS topic that hears of each alarm; empty: the console alone shows them"

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+)?$", var.alarm_topic_arn))
    error_message = "The ARN of an SNS topic."
  }
}

variable "runbooks_at" {
  type        = string
  nullable    = false
  default     = ""
  description = "Where this repository is read, with a slash at the end; each alarm links its page there"

  validation {
    condition     = can(regex("^(https://[^ ]+/)?$", var.runbooks_at))
    error_message = "An address that begins with https:// and ends with a slash."
  }
}

variable "requests_per_second" {
  type        = number
  nullable    = false
  default     = 500
  description = "What the API takes of all callers together; more is answered with 429 by the gateway"

  validation {
    condition     = var.requests_per_second >= 1
    error_message = "At least 1."
  }
}

variable "requests_at_once" {
  type        = number
  nullable    = false
  default     = 1000
  description = "How many of them may come at one moment"

  validation {
    condition     = var.requests_at_once >= 1
    error_message = "At least 1."
  }
}

variable "deployment" {
  type        = string
  nullable    = false
  default     = "broker"
  description = "The name of this deployment: of its tables, its key's alias, its metrics, and in the key's encryption context"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{2,40}$", var.deployment))
    error_message = "Small letters, digits and underscores, three at least, a letter first."
  }
}

variable "schedules" {
  type        = string
  nullable    = false
  default     = "ENABLED"
  description = "DISABLED in every region but one of those that share their tables (docs/regions.md)"

  validation {
    condition     = can(regex("^(ENABLED|DISABLED)$", var.schedules))
    error_message = "ENABLED or DISABLED."
  }
}

variable "multi_region_key" {
  type        = string
  nullable    = false
  default     = "true"
  description = "false for a stack whose key was made without it: KMS cannot change it, and the update fails"

  validation {
    condition     = can(regex("^(true|false)$", var.multi_region_key))
    error_message = "true or false."
  }
}
