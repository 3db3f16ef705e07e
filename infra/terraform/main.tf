# The zip and the template of `dev.py package` go to S3, and CloudFormation does the rest. No resource of the broker is
# described here: what is deployed is the template, with the place of the zip put in.

locals {
  template = replace(var.package, "/\\.zip$/", ".json")

  code = {
    Bucket  = var.bucket
    Key     = aws_s3_object.package.key
    Version = aws_s3_object.package.version_id
  }
}

data "aws_s3_bucket" "packages" {
  bucket = var.bucket
}

# A new package is a new version of one object. A stack that goes back to what it was finds the old version there.
resource "aws_s3_object" "package" {
  bucket      = var.bucket
  key         = "${var.stack_name}/${basename(var.package)}"
  source      = var.package
  source_hash = filesha256(var.package)
}

# It has more than the 51,200 bytes that `template_body` may have.
resource "aws_s3_object" "template" {
  bucket       = var.bucket
  key          = "${var.stack_name}/${basename(local.template)}"
  content      = replace(file(local.template), jsonencode("./${basename(var.package)}"), jsonencode(local.code))
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "broker" {
  name         = var.stack_name
  template_url = "https://${data.aws_s3_bucket.packages.bucket_regional_domain_name}/${aws_s3_object.template.key}?versionId=${aws_s3_object.template.version_id}"
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

  parameters = {
    DomainName        = var.domain_name
    CertificateArn    = var.certificate_arn
    HostedZoneId      = var.hosted_zone_id
    AlarmTopicArn     = var.alarm_topic_arn
    RunbooksAt        = var.runbooks_at
    RequestsPerSecond = var.requests_per_second
    RequestsAtOnce    = var.requests_at_once
    Deployment        = var.deployment
    Schedules         = var.schedules
    MultiRegionKey    = var.multi_region_key
  }

  lifecycle {
    # The tables stay when the stack goes, and a new stack could not make them again.
    prevent_destroy = true

    precondition {
      condition     = coalesce(aws_s3_object.package.version_id, "null") != "null"
      error_message = "The bucket keeps no versions: aws s3api put-bucket-versioning --bucket ${var.bucket} --versioning-configuration Status=Enabled"
    }
  }
}
