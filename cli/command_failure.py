"""Why a command failed, in one sentence with the next step; AWS's error codes in the operator's words."""

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.ports import StoreUnavailable
from cli.deployment.operations import OperationError

_WHY = {
    "item_unreadable": ("an item in the table cannot be read", "docs/runbooks/sealed-value-altered.md"),
    "ResourceNotFoundException": ("the tables do not exist", "run broker bootstrap, or start dev.py demo"),
    "NotFoundException": ("the KMS key does not exist", "run broker bootstrap, or set BROKER_KMS_KEY"),
    "AccessDeniedException": ("AWS denied access", "use the credentials of the operator's role"),
    "UnrecognizedClientException": ("AWS does not know these credentials", "sign in to AWS again"),
    "ExpiredTokenException": ("the AWS credentials have expired", "sign in to AWS again"),
    "NoCredentialsError": (
        "this terminal has no AWS credentials",
        "run aws sso login or aws configure, then export AWS_PROFILE=NAME of the operator's role",
    ),
    "PartialCredentialsError": (
        "the AWS credentials of this terminal are incomplete",
        "export both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE=NAME",
    ),
    "ProfileNotFound": ("AWS_PROFILE names a profile that does not exist", "aws configure list-profiles"),
    "NoRegionError": ("no AWS region is set", "export AWS_REGION=... of your stack"),
    **dict.fromkeys(
        ("CredentialRetrievalError", "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
        ("the AWS credentials of this terminal have expired or cannot be loaded", "aws sso login"),
    ),
}


def describe_failure(error: OperationError | StoreUnavailable | AwsRefusal) -> OperationError:
    """The message, the hint and the details to show."""
    if isinstance(error, OperationError):
        return error
    return OperationError(*_explain(error.code if isinstance(error, AwsRefusal) else str(error)))


def _explain(code: str) -> tuple[str, str]:
    """AWS's error code as a sentence, and the next step."""
    plain = code.removeprefix("kms_")
    if plain in ("keyset_missing", "keyset_without_one_current_key"):
        return "the keys do not exist", "broker init"
    return _WHY.get(
        plain, (f"AWS refused the request ({plain})", "sign in to AWS, set AWS_REGION and check BROKER_ENDPOINT_URL")
    )
