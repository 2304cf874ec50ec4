import 'reflect-metadata'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Query,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import { AuthError, createRopgAuth, getAuth, type RequestAuth } from 'express-auth0-ropg'

const auth = createRopgAuth()

class LoggedIn {
  async canActivate(context: ExecutionContext) {
    const req = context.switchToHttp().getRequest<Request>()
    const login = await auth.authenticate(req)
    if (!login) throw new AuthError('unauthenticated')
    req.auth = login
    return true
  }
}

const Login = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  return getAuth(context.switchToHttp().getRequest<Request>())
})

// Nest answers 500 to errors that it does not know.
@Catch(AuthError)
class AuthErrorFilter implements ExceptionFilter<AuthError> {
  catch(err: AuthError, host: ArgumentsHost) {
    const res = host.switchToHttp().getResponse<Response>()
    res.status(err.status).set(err.headers).json(err)
  }
}

@Controller('me')
@UseGuards(LoggedIn)
class MeController {
  @Get()
  me(@Login() { user }: RequestAuth) {
    return user
  }
}

@Controller('token')
@UseGuards(LoggedIn)
class TokenController {
  @Get()
  async token(@Login() login: RequestAuth, @Query('audience') audience?: string) {
    const { expiresAt } = await login.getAccessToken(audience === undefined ? {} : { audience })
    return { expiresAt }
  }
}

// With middleware in place of a guard.
@Controller('posts')
class PostsController {
  @Get()
  posts(@Login() { sub }: RequestAuth) {
    return { author: sub }
  }
}

@Module({ controllers: [MeController, TokenController, PostsController] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(auth.requireAuth).forRoutes(PostsController)
  }
}

const app = await NestFactory.create(AppModule)
app.use('/api/auth', auth.router)
app.useGlobalFilters(new AuthErrorFilter())
await app.listen(process.env.PORT ?? 3000)
