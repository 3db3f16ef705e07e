/** CloudFormation's references and conditions, exchanged for what is known here. */
import { Token } from 'aws-cdk-lib';

export type Value = string | number;
export type Json = Value | boolean | null | Json[] | Fields;
export type Fields = { [name: string]: Json };

export interface Known {
  /** The value of `Name` or `Name.Attribute`; undefined where CloudFormation is to find it. */
  value(name: string): Value | undefined;
  holds(condition: string): boolean;
}

/** A copy of `json` with every `Ref`, `Fn::GetAtt` and `${Name}` of known value, and the chosen side of every `Fn::If`. */
export function fill(json: Json, known: Known): Json {
  if (Array.isArray(json)) return json.map((each) => fill(each, known));
  if (json === null || typeof json !== 'object') return json;
  const { Ref: name, 'Fn::GetAtt': attribute, 'Fn::Sub': text, 'Fn::If': choice } = json;
  if (typeof name === 'string') return known.value(name) ?? json;
  if (Array.isArray(attribute)) return known.value(attribute.join('.')) ?? json;
  if (typeof text === 'string') return fillText(text, {}, known);
  if (Array.isArray(text)) {
    const [said, own] = text as [string, Fields];
    return fillText(said, fill(own, known) as Fields, known);
  }
  if (Array.isArray(choice)) {
    const [condition, yes, no] = choice as [string, Json, Json];
    return fill(known.holds(condition) ? yes : no, known);
  }
  return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, fill(each, known)]));
}

/** Values go beside the text, where CloudFormation does not read them for names; `own` are those that are there. */
function fillText(text: string, own: Fields, known: Known): Json {
  const beside = { ...own };
  for (const [, name = ''] of text.matchAll(/\$\{([^!}]+)\}/g)) {
    const value = name in own ? undefined : known.value(name);
    if (value !== undefined) beside[name] = value;
  }
  return { 'Fn::Sub': Object.keys(beside).length ? [text, beside] : text };
}

/**
 * Whether a condition holds, of which the parameters are filled in. A value that will be known later is not the empty
 * one. Raises for what only CloudFormation could decide.
 */
export function decide(condition: Json): boolean {
  const { 'Fn::Not': not, 'Fn::Equals': equals } = condition as Fields;
  if (Array.isArray(not)) return !decide(not[0] as Json);
  const known = Array.isArray(equals) && (equals.includes('') || !equals.some((side) => Token.isUnresolved(side)));
  if (known && equals.every((side) => typeof side === 'string')) return equals[0] === equals[1];
  throw new Error(`Cannot decide ${JSON.stringify(condition)} before there is a stack`);
}
