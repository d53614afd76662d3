/* eslint-disable @typescript-eslint/no-explicit-any -- methods of any kind are matched here, and nowhere else */

/** A method that can be cached: it returns a promise. @publicApi */
export type AsyncMethod = (...args: any[]) => Promise<any>;

/** A function of which nothing is known. */
export type AnyFunction = (...args: any[]) => any;

/** Any list of arguments. */
export type AnyArgs = any[];

/** What un-annotated parameters of option functions are: the method's types are known only after the options were read. */
export type Unchecked = any;

/** The class's prototype, so not the class itself: a static method has no instance, hence no cache. */
export type InstanceSide = object & { prototype?: never };

/** Options that are called with the arguments, before the method. */
type OfArguments = 'key' | 'keys' | 'condition';

/** The function among the forms an option may have; never when it is none. */
type FunctionIn<Option> = Extract<NonNullable<Option>, AnyFunction>;

/** What the option's function is called with. */
type Given<Name, Method extends AsyncMethod> = Name extends OfArguments
  ? Parameters<Method>
  : [result: Awaited<ReturnType<Method>>, ...args: Parameters<Method>];

/** Names of the options whose functions do not accept what the method would give them. */
type Mismatches<Options, Method extends AsyncMethod> = {
  [Name in Exclude<keyof Options, 'type'>]-?: [FunctionIn<Options[Name]>] extends [never]
    ? never
    : FunctionIn<Options[Name]> extends (...args: Given<Name, Method>) => unknown
      ? never
      : Name;
}[Exclude<keyof Options, 'type'>];

/** Nothing when all option functions fit the method; else a type that no method has, whose name is the error. */
type Fits<Options, Method extends AsyncMethod> = [Mismatches<Options, Method>] extends [never]
  ? unknown
  : {
      [
        Name in Mismatches<
          Options,
          Method
        > as `The function '${Name & string}' does not fit the method, which calls it with`
      ]: Given<Name, Method>;
    };

/**
 * A decorator for methods that return a promise and that every function of `Options` fits.
 *
 * @publicApi
 */
export type CachedMethodDecorator<Options> = <Method extends AsyncMethod>(
  target: InstanceSide,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & Fits<Options, Method>,
) => void;

/** A decorator for methods of exactly this type, given as `Cacheable<UsersService['findOne']>`. @publicApi */
export type MethodDecoratorFor<Expected extends AsyncMethod> = <Method extends Expected>(
  target: InstanceSide,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Refuses what `Known` does not name: inference from an object literal would let it pass. */
export type NoOthers<Options, Known> = Options & { [Name in Exclude<keyof Options, keyof Known>]: never };
