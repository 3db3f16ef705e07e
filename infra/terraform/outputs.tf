output "issuer" {
  value = aws_cloudformation_stack.broker.outputs["Issuer"]
}

output "domain_target" {
  value       = aws_cloudformation_stack.broker.outputs["DomainTarget"]
  description = "What the DNS record of the issuer's host has to name"
}

output "operator_role_arn" {
  value       = aws_cloudformation_stack.broker.outputs["OperatorRoleArn"]
  description = "The role to take before `broker ...`"
}

output "api_handler_arn" {
  value = aws_cloudformation_stack.broker.outputs["APIHandlerArn"]
}

output "api_handler_name" {
  value = aws_cloudformation_stack.broker.outputs["APIHandlerName"]
}

output "jobs_arn" {
  value = aws_cloudformation_stack.broker.outputs["JobsArn"]
}

output "keys_arn" {
  value = aws_cloudformation_stack.broker.outputs["KeysArn"]
}

output "table_name" {
  value = aws_cloudformation_stack.broker.outputs["TableName"]
}

output "keys_table_name" {
  value = aws_cloudformation_stack.broker.outputs["KeysTableName"]
}

output "key_arn" {
  value = aws_cloudformation_stack.broker.outputs["KeyArn"]
}

output "rest_api_id" {
  value = aws_cloudformation_stack.broker.outputs["RestAPIId"]
}

output "endpoint_url" {
  value = aws_cloudformation_stack.broker.outputs["EndpointURL"]
}
